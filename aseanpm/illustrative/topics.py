"""What illustrative projects are about, in English and Vietnamese.

No official title of an action line is known, and none is invented: a project is about
a topic of its area, in one of the forms that such projects take.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    en: str
    vi: str
    theme: str = ""


@dataclass(frozen=True)
class Form:
    """How a project goes about its topic, and how many months it takes at least."""

    en: str
    vi: str
    months: int


# What a member state's training scheme offers, and what a larger partner project is
COURSES = (
    Form("training course on", "khóa tập huấn về", 12),
    Form("workshops on", "chuỗi hội thảo về", 12),
    Form("training of trainers in", "đào tạo giảng viên nguồn về", 14),
    Form("study visits on", "các chuyến khảo sát về", 12),
    Form("online course on", "khóa học trực tuyến về", 13),
    Form("advanced course on", "khóa bồi dưỡng nâng cao về", 14),
    Form("regional seminar on", "hội thảo khu vực về", 12),
)
PROGRAMMES = (
    Form("pilot programme on", "chương trình thí điểm về", 20),
    Form("technical assistance for", "hỗ trợ kỹ thuật về", 22),
    Form("guidelines and training for", "bộ hướng dẫn và tập huấn về", 18),
    Form("study and action plan on", "nghiên cứu và kế hoạch hành động về", 17),
    Form("support programme for", "chương trình hỗ trợ về", 23),
)

TOPICS = {
    "FA": (
        Topic("less post-harvest loss of rice", "giảm tổn thất sau thu hoạch lúa gạo"),
        Topic("good practice in growing vegetables", "thực hành tốt trong trồng rau"),
        Topic("food testing in laboratories", "kiểm nghiệm thực phẩm"),
        Topic("hygiene of fishery products", "vệ sinh an toàn thủy sản"),
        Topic("surveillance of animal diseases", "giám sát dịch bệnh động vật"),
        Topic("analysis of plant pest risks", "phân tích nguy cơ dịch hại thực vật"),
        Topic("water-saving irrigation", "tưới tiêu tiết kiệm nước", "SUS"),
        Topic(
            "farm cooperatives led by women",
            "hợp tác xã nông nghiệp do phụ nữ làm chủ",
            "GSI",
        ),
        Topic(
            "digital tracing of farm produce",
            "truy xuất nguồn gốc nông sản bằng công nghệ số",
            "I40",
        ),
        Topic("information on farm markets", "thông tin thị trường nông sản"),
    ),
    "TF": (
        Topic("risk management in customs", "quản lý rủi ro hải quan"),
        Topic("rules of origin", "quy tắc xuất xứ"),
        Topic("rules for electronic commerce", "quy định thương mại điện tử", "I40"),
        Topic("standards and conformity", "tiêu chuẩn và đánh giá sự phù hợp"),
        Topic("upkeep of trade portals", "vận hành cổng thông tin thương mại"),
        Topic("notice of non-tariff measures", "thông báo các biện pháp phi thuế quan"),
        Topic(
            "electronic certificates in trade",
            "chứng từ điện tử trong thương mại",
            "I40",
        ),
        Topic("statistics of trade in services", "thống kê thương mại dịch vụ"),
        Topic("procedures at land borders", "thủ tục tại cửa khẩu đường bộ"),
        Topic("trade in a pandemic", "duy trì thương mại trong đại dịch", "COVID"),
    ),
    "MSME": (
        Topic("credit for small firms", "tín dụng cho doanh nghiệp nhỏ"),
        Topic("registering a business online", "đăng ký kinh doanh trực tuyến", "I40"),
        Topic(
            "links of small firms with investors",
            "liên kết doanh nghiệp nhỏ với nhà đầu tư",
        ),
        Topic("bookkeeping for micro firms", "kế toán cho doanh nghiệp siêu nhỏ"),
        Topic("selling online", "bán hàng trực tuyến", "I40"),
        Topic("women who run a business", "phụ nữ làm chủ doanh nghiệp", "GSI"),
        Topic("advice to start-ups", "tư vấn cho doanh nghiệp khởi nghiệp"),
        Topic("cleaner production", "sản xuất sạch hơn", "SUS"),
        Topic("readiness to export", "năng lực xuất khẩu"),
        Topic(
            "small firms after the pandemic", "doanh nghiệp nhỏ sau đại dịch", "COVID"
        ),
    ),
    "EDU": (
        Topic("English for teachers", "tiếng Anh cho giáo viên"),
        Topic("teaching in vocational schools", "giảng dạy tại trường nghề"),
        Topic("science in secondary schools", "dạy khoa học ở trường trung học"),
        Topic("digital skills for work", "kỹ năng số cho việc làm", "I40"),
        Topic("quality of higher education", "chất lượng giáo dục đại học"),
        Topic(
            "schooling of children with disabilities",
            "giáo dục trẻ em khuyết tật",
            "GSI",
        ),
        Topic("leadership of schools", "quản lý trường học"),
        Topic("digital teaching material", "học liệu số", "I40"),
        Topic("standards of occupational skills", "chuẩn kỹ năng nghề"),
        Topic("learning about the environment", "giáo dục môi trường", "SUS"),
    ),
    "HW": (
        Topic("skills of nurses", "kỹ năng điều dưỡng"),
        Topic("primary health care", "chăm sóc sức khỏe ban đầu"),
        Topic("watching for infectious diseases", "giám sát bệnh truyền nhiễm"),
        Topic("testing for COVID-19", "xét nghiệm COVID-19", "COVID"),
        Topic("health of mothers and children", "sức khỏe bà mẹ và trẻ em", "GSI"),
        Topic("nutrition of young children", "dinh dưỡng trẻ nhỏ"),
        Topic("social protection", "an sinh xã hội", "GSI"),
        Topic("hygiene in hospitals", "kiểm soát nhiễm khuẩn bệnh viện"),
        Topic("medical advice at a distance", "tư vấn y tế từ xa", "I40"),
        Topic("care of older people", "chăm sóc người cao tuổi"),
    ),
    "": (
        Topic("management of cooperation projects", "quản lý dự án hợp tác"),
        Topic("English for officials", "tiếng Anh cho công chức"),
        Topic("writing of project proposals", "xây dựng đề xuất dự án"),
        Topic("monitoring and evaluation", "theo dõi và đánh giá"),
        Topic("official statistics", "công tác thống kê nhà nước"),
        Topic("coordination between ministries", "phối hợp giữa các bộ"),
    ),
}

INITIATIVES = {
    1: Topic("lists of infrastructure projects", "danh mục dự án hạ tầng"),
    2: Topic("productivity of infrastructure", "hiệu quả đầu tư hạ tầng"),
    3: Topic("plans of sustainable cities", "quy hoạch đô thị bền vững", "SUS"),
    4: Topic("technology for small firms", "công nghệ cho doanh nghiệp nhỏ", "I40"),
    5: Topic("financial services by phone", "dịch vụ tài chính qua điện thoại", "I40"),
    6: Topic("open data of public offices", "dữ liệu mở của cơ quan nhà nước", "I40"),
    7: Topic("care of personal data", "bảo vệ dữ liệu cá nhân", "I40"),
    8: Topic("data on trade routes", "dữ liệu tuyến thương mại"),
    9: Topic("chokepoints of supply chains", "điểm nghẽn của chuỗi cung ứng"),
    10: Topic("common product standards", "tiêu chuẩn sản phẩm chung"),
    11: Topic("review of non-tariff measures", "rà soát các biện pháp phi thuế quan"),
    12: Topic("information for travellers", "thông tin cho khách du lịch"),
    13: Topic("simpler visa procedures", "đơn giản hóa thủ tục thị thực"),
    14: Topic("vocational qualifications", "trình độ nghề nghiệp"),
    15: Topic("exchange of students", "trao đổi sinh viên"),
}

# The initiative that a project on a topic serves too
SERVES_TOO = {
    "selling online": 4,
    "procedures at land borders": 9,
    "standards and conformity": 10,
    "notice of non-tariff measures": 11,
    "standards of occupational skills": 14,
}

# Who proposes and carries out, by code: English, Vietnamese, country
ORGANISATIONS = {
    "ILL-KH-PLAN": ("planning office, Cambodia", "cơ quan kế hoạch, Campuchia", "KH"),
    "ILL-KH-INST": ("training institute, Cambodia", "viện đào tạo, Campuchia", "KH"),
    "ILL-LA-PLAN": ("planning office, Lao PDR", "cơ quan kế hoạch, Lào", "LA"),
    "ILL-LA-INST": ("training institute, Lao PDR", "viện đào tạo, Lào", "LA"),
    "ILL-MM-PLAN": ("planning office, Myanmar", "cơ quan kế hoạch, Myanmar", "MM"),
    "ILL-MM-INST": ("training institute, Myanmar", "viện đào tạo, Myanmar", "MM"),
    "ILL-VN-PLAN": ("planning office, Viet Nam", "cơ quan kế hoạch, Việt Nam", "VN"),
    "ILL-VN-INST": ("training institute, Viet Nam", "viện đào tạo, Việt Nam", "VN"),
    "ILL-SG-INST": ("training centre, Singapore", "trung tâm đào tạo, Singapore", "SG"),
    "ILL-TH-INST": ("research institute, Thailand", "viện nghiên cứu, Thái Lan", "TH"),
    "ILL-REG-CONS": ("regional consultants", "nhóm tư vấn khu vực", ""),
    "ILL-SEC-FA": (
        "sectoral body for agriculture",
        "cơ quan chuyên ngành nông nghiệp",
        "",
    ),
    "ILL-SEC-TF": ("sectoral body for trade", "cơ quan chuyên ngành thương mại", ""),
    "ILL-SEC-MSME": (
        "sectoral body for small firms",
        "cơ quan chuyên ngành doanh nghiệp nhỏ",
        "",
    ),
    "ILL-SEC-EDU": ("sectoral body for education", "cơ quan chuyên ngành giáo dục", ""),
    "ILL-SEC-HW": ("sectoral body for health", "cơ quan chuyên ngành y tế", ""),
}
